"""What a header says of its column: the person's phone, somebody else's, another number, a name.

A word that is not known here says nothing: then the cells tell what a column is, and where they do not, the person does.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from audiences_mcp.contacts.consent import reads_as_opt_out
from audiences_mcp.text import clean

# All of these read headers as `plain` gives them: small letters without accents, words apart.
_NUMBER = r"(?:numbers?|nos?|nr|num|nummer)"
_PHONE = (
    r"phone(?!tic)|(?<!auto)(?<!im)mobil|mobiel|\bmob\b|\bcell|celular|\btel(?!l|eg|ev)|telef|\bt(?:lf|fno)\b|\bfones?\b"
    r"|whats ?app|msisdn|handy|movil|\bgsm\b|\bnatel\b|rufnummer|landline|festnetz|portable|puhelin|\bpuh\b|komorka"
    r"|ien thoai|\bsđt\b|\bno(?:mor)? (?:hp|wa)\b|\bh ?p no\b|\bfarsimi|^simi(?:numer)?$|talrunis|\bsimu\b|\b(?:тел|моб|утас)\b"
    rf"|\b(?:contact|ph) {_NUMBER}\b|kontaktnummer|телефон|мобил|τηλ|κινητ|טלפון|נייד|هاتف|جوال|موبايل|موبایل"
    r"|تلفن|فون|फ़?ोन|मोबाइल|दूरध्वनी|ফোন|মোবাইল|தொலைபேசி|கைபேசி|மொபைல்|ఫోన్|మొబైల్|ಫೋನ್|ಮೊಬೈಲ್|ഫോൺ|മൊബൈൽ|ફોન|મોબાઇલ|ਫ਼ੋਨ|ਮੋਬਾਈਲ"
    r"|ტელეფონ|հեռախոս|ទូរស័ព្ទ|电话|電話|手机|手機|联系方式|聯絡電話|携帯|전화|휴대|연락처|โทร|มือถือ"
)
_STRONG = re.compile(_PHONE)
# Words that a phone column may be named with, and much else.
_CONTACT = re.compile(rf"{_PHONE}|sms|tel|kontakt|contact")
_WEAK = re.compile(rf"{_CONTACT.pattern}|number|numero|\bnummer\b|номер|\bno\b|\bnr\b")
# Whole names of phone columns, which are no titles though they may be the only names of their rows.
_PHONE_NAME = re.compile(
    r"(?:(?:your|work|home|business|primary|main|contact|customer|client|cell|mobile|personal|private) )?"
    r"(?:(?:tele|cell)? ?phones?|mobiles?|mob|cell|tel|tlf|ph|handy|telefon|mobil|mobiel|msisdn|whats ?app|telefono|celular"
    r"|movil|telephone|portable|telefone|telefoon|telemovel|cellulare|gsm|landline|festnetz|puhelin|телефон)"
    rf"(?: ?{_NUMBER})?(?: ?\d)?|numbers?|nummer|numero|contact {_NUMBER}|(?:ruf|kontakt)nummer|no(?:mor)? (?:hp|telp|telepon)"
    r"|numero d[ei] (?:telefono|telephone|telefone|celular)|numer telefonu|номер телефона|전화번호|휴대폰"
    r"|(?:电话|電話|手机|手機|携帯電話)(?:号码?|番号|號碼)?"
)
# Words of headers over phone numbers of somebody else, and of nobody.
_SOMEBODY_ELSE = (
    r"assistant|rep|representative|owner|agent|manager|doctor|consultant|counsell?or|advis[eo]r|kin|nok|guardian|spouse|referrer"
    r"|broker|assigned|berater(?:in)?|conseill(?:er|ere)|asesora?"
)
_OTHERS = re.compile(_SOMEBODY_ELSE)
_NOT_THEIRS = re.compile(
    rf"{_SOMEBODY_ELSE}|fax|telefax|pager|telex|isdn|tty|tdd|emergency|notfall|urgence|emergencia|old|former|previous"
    r"|extension|ext"
)
# Words of headers over digits that are no phone numbers, though many of them could be.
_OTHER_DIGITS = re.compile(
    r"ids?|uuid|uid|order|invoice|account|acct|ref|reference|amount|price|total|balance|salary|revenue|qty|quantity"
    r"|date|time|timestamp|created|updated|dob|zip|pin|pincode|postcode|postal|sku|isbn|ean|upc|serial|ssn|vat|gst|tax"
    r"|iban|aadhaa?r|passport|license|lat|lng|latitude|longitude"
    # Numbers that states and registers give to people and firms.
    r"|cpf|cnpj|nif|dni|nie|cif|rut|ruc|cuit|cuil|siren|siret|iva|tva|cvr|kvk|bsn|nhs|uhid|mrn|nip|pesel|regon|gstin"
    r"|documento|cedula|identificacion|kimlik|expediente|pedido|matricula|dossier|commande|factura|facture|fattura"
    r"|ahv|cin|cni|cnic|nric|nik|bvn|инн|иин|снилс|kennitala"
    # Amounts in words of other languages, which may have as many digits as a short fixed line.
    r"|\w*(?:preis|betrag|umsatz|gehalt)|prix|montant|loyer|salaire|precio|importe|prezzo|importo|preco|prijs|bedrag|kwota|cena"
    r"|сумма|цена|金额|金額|価格"
    r"|订单号|客户编号|学号|工号|会員番号|顧客番号|注文番号|고객번호|주문번호"
    r"|(?:kund(?:en?)?|klant|klient|vertrags?|rechnungs?|auftrags?|mitglieds?|medlems|bestell?|order|ordre|faktura?|factuur|steuer"
    r"|artikel|beleg|konto|policen?|polis|versicherten|versicherungs|patienten|vorgangs|akten|ticket|personal|person"
    r"|ausweis|organisations|org|lid|contract|avtals|asiakas|tilaus|sopimus|lasku|haus|huis|referenz|serien)"
    r"(?:nummer|nr|numero)"
)
# What is numbered besides phones: `Customer No`, `Card number`.
_NUMBERED = re.compile(
    r"customer|client[ei]?|member|card|policy|contract|contrato?|employee|patient|student|case|ticket|insurance|licence|plate"
    r"|application|loan|roll|reg|ic|kp|registration|receipt|bill|consumer|claim|booking|org|socio"
    r"|kund(?:en?)?|klant|vertrags?|rechnungs?|auftrags?|mitglieds?|bestell|relatie|poliza|police|polizza|orden|ordine|ordre"
    r"|emplead[oa]|alumno|adherent|processo|pratica|inscripcion|inscricao|contratt?o?|cuenta|conta|conto|compte|konto|tarjeta"
    r"|carte|serie|klienta|zamowienia|umowy|faktury|musteri|siparis|заказа|договора|клиента|счета|карты|полиса"
)
_MOST_WORDS = 4  # more are a question of a form
_NUMBER_WORD = re.compile(rf"{_NUMBER}|n|numero|numer|номер|code")
# Where a person is reached, which may be all that the header of another phone says.
_PLACES = re.compile(r"home|work|office|business|privat\w*|dienstlich|festnetz|other|alt\w*|second\w*|residence|resi")
_SWITCHBOARD = re.compile(r"company|corporate|\bmain\b|switchboard|zentrale|office")
_MOBILE = re.compile(r"(?<!auto)(?<!im)mobil|\bmob\b|cell|handy|whats ?app|movil|mobiel|celular|portable|sms|мобил")
_KINDS = frozenset({"type", "label", "typ", "tipo", "kind", "art"})
_OF = frozenset({"de", "di", "do", "du", "of"})
_FAX = re.compile(
    r"(?:\w+ )?(?:(?:tele)?fax|pager)"
    rf"(?: (?:line|home|work|office|business|privat\w*|dienstlich|geschaftlich|{_NUMBER}|\d+))?"
)
_EXTENSION = re.compile(
    r"(?:(?:work|business|office|phone|tel|telephone) )*(?:ext|extn|extension|nebenstelle|durchwahl|ramal|anexo|poste)"
    rf"(?: {_NUMBER})?"
)

_HUMP = re.compile(r"(?<=[^\W\d_])(?=[A-Z]([a-z])?)")  # where a word may end: at `e|N` and `S|Me`, not in `ĐT`

_LONGEST = 200  # characters of a header, and of a cell that may be one

# By which headers a row is known, best first: a full name, first and last name, else who it is.
_FULL_NAMES = (
    *("name", "fullname", "yourname", "personname", "contactname", "customername", "attendeename", "inviteename"),
    *("displayname", "patientname", "leadname", "clientname", "studentname", "guestname", "membername", "kundenname"),
    *("naam", "volledigenaam", "navn", "namn", "nimi", "nombrecompleto", "nomcomplet", "nomecompleto", "adsoyad"),
    *("氏名", "名前", "お名前", "姓名", "이름", "성함", "фио", "имя", "नाम", "contact", "customer"),
)
_FIRST_NAMES = ("firstname", "givenname", "forename", "nombre", "prenom", "vorname", "nome", "voornaam")
_LAST_NAMES = ("lastname", "surname", "familyname", "apellidos", "apellido", "nom", "nachname", "cognome", "achternaam")
_ROLES = ("patient", "lead", "client", "student", "guest", "member", "cliente", "kunde", "klant")
_NAME_WORDS = frozenset({"name", "naam", "nombre", "nom", "nome", *_ROLES})
_ANIMALS = frozenset({"pet", "animal", "dog", "cat", "horse"})


@lru_cache(maxsize=4_096)
def plain(header: str) -> str:
    """Return the words of a header in small letters, Latin ones without accents: `NºTéléfono_móvil` is `no telefono movil`."""
    text = re.sub(r"#\s*$", " no", unicodedata.normalize("NFKC", clean(header[:_LONGEST])))
    latin = re.sub(r"(?<=[A-Za-z])[\u0300-\u036f]+", "", unicodedata.normalize("NFD", text))
    latin = _HUMP.sub(lambda hump: " " if hump[1] or not hump.string[hump.start() - 1].isupper() else "", latin)
    joined = unicodedata.normalize("NFC", latin)  # marks of other scripts are spelling
    kept = (char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in joined)
    return " ".join("".join(kept).casefold().split())


def _words(header: str) -> list[str]:
    return re.sub(r"\d+", " ", plain(header)).split()


def is_phone_header(header: str) -> bool:
    """Tell whether a header may name phone numbers."""
    return _WEAK.search(plain(header)) is not None


def is_phone_name(header: str) -> bool:
    """Tell whether a header is the plain name of a phone column and nothing else."""
    return _PHONE_NAME.fullmatch(plain(header)) is not None


def names_phones(header: str) -> bool:
    """Tell whether a header names phones, whosever they are, and not only numbers."""
    return _STRONG.search(plain(header)) is not None


def may_name_further_phones(header: str) -> bool:
    """Tell whether a header says how, where or in what order a person is reached, as that of a further phone does."""
    return _CONTACT.search(plain(header)) is not None or any(map(_PLACES.fullmatch, _words(header)))


def names_switchboard(header: str) -> bool:
    """Tell whether a header names the phone of a firm."""
    return _SWITCHBOARD.search(plain(header)) is not None


def names_mobile(header: str) -> bool:
    """Tell whether a header names mobile phones."""
    return _MOBILE.search(plain(header)) is not None


def names_other_phone(header: str) -> bool:
    """Tell whether a header names phones that are not the person's to be called: a fax, a doctor's, an old one."""
    return any(map(_NOT_THEIRS.fullmatch, _words(header))) or (names_phones(header) and reads_as_opt_out(header))


def is_of_the_listed(phone: str, headers: Sequence[str]) -> bool:
    """Tell whether the phone of somebody else is that of the people of the list: of doctors, or of children by their guardians.

    Args:
        phone: A header.
        headers: All headers of its list.
    """
    others = set(filter(_OTHERS.fullmatch, _words(phone)))
    if others == {"guardian"}:
        return not any(names_phones(header) for header in headers if header != phone)
    if others == set(_words(headers[0])):
        return True  # a list of brokers that begins with `Broker`
    named = (names for header in headers if not _NAME_WORDS.isdisjoint(names := _words(header)))
    return bool(others) and others.issubset(next((names for names in named if _ANIMALS.isdisjoint(names)), []))


def names_other_digits(header: str) -> bool:
    """Tell whether a header names digits that are no phone numbers: an order, a date, a tax number."""
    names = _words(header)
    if names_phones(header):
        return not {"id", "ids", "uuid"}.isdisjoint(names)
    if any(map(_OTHER_DIGITS.fullmatch, names)):
        return True
    counted = any(map(_NUMBER_WORD.fullmatch, names)) or not is_phone_header(header)
    return 1 < len(names) <= _MOST_WORDS and counted and any(map(_NUMBERED.fullmatch, names))


def is_extension_header(header: str) -> bool:
    """Tell whether a header names extensions alone."""
    return _EXTENSION.fullmatch(plain(header)) is not None


def names_kinds(header: str) -> bool:
    """Tell whether a header names the kinds of something: `Phone type`."""
    return not _KINDS.isdisjoint(plain(header).split())


def is_kind_of(header: str, phone: str) -> bool:
    """Tell whether a header names the kinds of the phones in another column: `Phone 1 - Label` of `Phone 1 - Value`."""
    names = re.sub(r"(?<=telefon)(?=typ|art)", " ", plain(header)).split()
    of = [name for name in names if name not in _KINDS | _OF]
    named = [name for name in plain(phone).split() if name not in {"value", *_OF} and not _NUMBER_WORD.fullmatch(name)]
    return not _KINDS.isdisjoint(names) and of in ([], named)


def is_fax_kind(cell: str) -> bool:
    """Tell whether a kind of phone is one that nobody answers."""
    return _FAX.fullmatch(plain(re.sub(r"\([^)]*\)", " ", cell[:_LONGEST]))) is not None


def label_places(headers: Sequence[str]) -> list[int]:
    """Return the places of the headers by which a person knows a row: a full name, else first and last name."""
    names = [re.sub(r"[\d ]", "", plain(header)) for header in headers]
    full = next((name for name in _FULL_NAMES if name in names), None)
    if full:
        return [names.index(full)]
    parts = [names.index(name) for group in (_FIRST_NAMES, _LAST_NAMES) for name in group if name in names]
    return parts or [names.index(role) for role in _ROLES if role in names][:1]
