"""What people say who do not want to be called, in plain words that leave no doubt in whatever column they stand.

Each saying is how it may begin, in full words one of which must come first, and how it goes on: by its first letter most
are passed over at once, since a list may have many long notes.
"""

import re
from collections.abc import Iterable
from functools import cache

_ENGLISH = (
    ("do ?no?t|don ?t|dnt|never", "(?: ever)? (?:call|contact|disturb|phone|telephone|dial|ring|solicit)"),
    ("do", " ?not ?call"),
    ("not|never", " to (?:call|contact|phone|telephone)(?! (?:yet|back|before|until|today))"),
    ("dnc", r"\w*"),
    ("ndnc", ""),
    ("dnd", " (?:activated?|enabled|registered|(?:customer|number|user|list)s?)"),
    ("on|in|under", " (?:(?:the|national|his|her|their) )*dnd(?! (?:mode|till|until))"),
    ("unsubscribe", "[ds]?"),
    ("opt", "(?:ed)? ?outs?"),
    ("optout", "s?"),
    ("remove", " me"),
    ("take", " me (?:off|out)"),
    ("asked", " to be removed"),
    ("blacklist", "(?:ed)?"),
    ("deceased", ""),
    ("died", ""),
    ("passed", " away"),
    (
        "no",
        (
            r" (?:(?:more|further|(?:tele)?phone|cold|marketing|promotional|sales|solicit\w+) )*calls?(?! (?:yet"
            "|so far|made|back|answered|logged|booked))"
        ),
    ),
    ("no", r" (?:telemarketing|telesales|solicit\w+)"),
    ("no", " contact please"),
    ("please", " no contact"),
    ("no", " (?:more|further) contact"),
    (
        "refuse[sd]?|decline[sd]?",
        (
            " (?:(?:any|all|further|more|future|marketing|sales|phone|to|be|receive|take) )*(?:calls|called"
            r"|contact(?:ed)?(?! (?:details|info\w*|form|lens\w*))|phoned)"
        ),
    ),
    ("consent|permission", " (?:was )?(?:withdrawn|revoked)"),
    ("no", " consent(?! (?:needed|required|form))"),
    ("stop|cease", " (?:(?:all|any|further|these|the|your|making) )*(?:calls|calling|contact(?:ing)?|phoning)"),
    ("withdr[ae]wn?|revoked?", " (?:(?:his|her|their|the|my) )?(?:consent|permission)"),
    ("not to", " be (?:called|contacted|phoned)"),
    ("must|may|should", " (?:not|never) be (?:called|contacted|phoned)"),
    ("replied|texted", " stop"),
    (
        "no longer",
        " (?:want|wish|agree)(?:s|es)? (?:to )?(?:be |any )?(?:calls?|called|contact(?:ed)?|phoned|phone calls)",
    ),
    (
        "do|does|did",
        (
            "(?: not|n ?t) (?:want|wish|agree)(?:s|es)? (?:to )?(?:be |any )?(?:calls?|called|contact(?:ed)?"
            "|phoned|phone calls)"
        ),
    ),
    ("do|does|did", "(?: not|n ?t) consent"),
    (
        "remove|delete|take",
        (
            "[dn]? (?:(?:me|us|him|her|them|this|number|contact) )*(?:off|from) (?:(?:the|this|your|our|my|all"
            "|any|calls?|calling|phone|contact|mailing|marketing) )*(?:lists?(?! price)|database)"
        ),
    ),
    (
        "remove|delete|erase",
        (
            " (?:my|his|her|their|this) (?:(?:phone|mobile|contact|personal) )?(?:numbers?|data|details"
            r"|records?)(?! (?:plates?|of|\d))"
        ),
    ),
    ("remove|delete", r" number(?! (?:plates?|of|\d))"),
    ("gdpr|data", " erasure"),
    ("erasure", " request(?:ed)?"),
    ("blocked", " (?:us(?! dollars?)|our (?:number|calls?))"),
    (
        "no",
        (
            r" interest(?! (?:free|rates?|charg\w*|loans?|payments?|paid|due|for|on|until|accru\w*|credit"
            r"|financ\w*|bearing))"
        ),
    ),
    ("not|no longer|isn ?t", r"(?: at all)? int\w{0,5}sted"),
)
_OTHER_LANGUAGES = (
    ("verstorben", ""),
    ("gestorben", ""),
    ("décédé", "e?"),
    ("decede", "e?"),
    ("fallecid", "[oa]"),
    ("falecid", "[oa]"),
    ("overleden", ""),
    ("keine", " (?:telefon)?werbung"),
    ("nicht", " (?:mehr )?(?:anrufen|kontaktieren)"),
    ("keine", " (?:weiteren |werbe ?|telefon ?)?anrufe"),
    ("widerruf", "(?:en)?"),
    ("widersprochen", ""),
    ("keine", "n? kontakt (?:mehr|(?:er|ge)w[üu]nscht)"),
    ("anrufe?|kontakt|telefonwerbung", " (?:ist |sind )?(?:nicht (?:er|ge)w[üu]nscht|unerw[üu]nscht)"),
    ("w[üu]nscht?|will", " keine[n]? (?:weiteren? )?(?:kontakt|anrufe?)(?! (?:vor|nach))"),
    ("m", "(?:ö|oe)chte keine[n]? (?:weiteren? )?(?:kontakt|anrufe?)(?! (?:vor|nach))"),
    ("will|wollen|darf|d[üu]rfen|bitte", r" (?:\w+ )?nicht (?:mehr )?(?:angerufen|kontaktiert|gest[öo]rt)"),
    ("m", r"(?:ö|oe)chten? (?:\w+ )?nicht (?:mehr )?(?:angerufen|kontaktiert|gest[öo]rt)"),
    ("w", r"[üu]nsch(?:t|en) (?:\w+ )?nicht (?:mehr )?(?:angerufen|kontaktiert|gest[öo]rt)"),
    ("soll", r"(?:en)? (?:\w+ )?nicht (?:mehr )?(?:angerufen|kontaktiert|gest[öo]rt)"),
    ("abgemeldet", r"(?<!\w abgemeldet)(?: (?:am|seit))?(?= \d|$)"),
    ("bitte", " (?:(?:meine?|alle|diese|kontakt|daten|nummer|komplett) )*löschen"),
    ("kein", "e? interesse"),
    ("ne", " (?:pas|plus) (?:r?appeler|(?:re)?contacter)"),
    ("pas", " int[ée]ress[ée]e?s?"),
    ("désinscrit|desinscrit", r"(?<!\w \w{10})e?s?"),
    ("ne", " (?:souhaite|veut|d[ée]sire) (?:pas|plus) (?:[êe]tre )?(?:(?:r?appel|(?:re)?contact)[ée]e?s?|d appels)"),
    ("geen", " interesse"),
    ("niet", " (?:meer )?bellen"),
    ("bel", " me niet"),
    ("afgemeld", r"(?<!\w afgemeld)(?= \d|$)"),
    ("uitgeschreven", r"(?<!\w uitgeschreven)(?= \d|$)"),
    ("wil|wenst|mag", r" (?:\w+ )?niet (?:meer )?(?:gebeld|benaderd)"),
    ("no", " (?:llamar|llame|contactar|molestar)"),
    ("no", " (?:est[áa] |estoy )?interesad[oa]s?"),
    ("no", " (?:le |me )?interesa"),
    ("no", " (?:desea|quiere|acepta) (?:recibir )?(?:m[áa]s )?(?:llamadas?|ser (?:llamad|contactad)[oa])"),
    ("dado|dada", r"(?<!\w \w{4})s? de baja(?! (?:m[ée]dica|laboral|temporal))"),
    ("desuscrit", "[oa]s?"),
    ("lista", " robinson"),
    ("n", "[ãa]o (?:ligar|conta(?:c)?tar)"),
    ("n", "[ãa]o (?:me )?perturbe"),
    ("n", "[ãa]o (?:tem |tenho )?interess(?:e|ad[oa])"),
    ("sem", " interesse"),
    ("n", "[ãa]o (?:quer|deseja|aceita) (?:mais )?(?:receber )?(?:mais )?(?:liga[çc][õo]es|chamadas|contatos?)"),
    ("descadastrad", "[oa]s?"),
    ("non", " (?:ri)?(?:chiamare|contattare)"),
    ("non", " interessat[oa]"),
    ("disiscritt", "[oa]"),
    (
        "non",
        (
            " (?:vuole|desidera) (?:pi[ùu] )?(?:essere (?:pi[ùu] )?(?:ri)?(?:chiamat|contattat)[oa]|ricevere "
            "(?:chiam|telefon)ate)"
        ),
    ),
    ("ring", " (?:ikke|inte)"),
    ("nie", " dzwoni[ćc]"),
    ("не", " звонить"),
)
# Not a no, but nobody there has agreed to anything.
_WRONG = (
    ("wrong", " (?:(?:tele|mobile )?phone )?(?:numbers?|no|person)(?! (?:of|one|plates?))"),
    ("falsche", " (?:telefon|handy)?nummer"),
    ("incorrect", " (?:(?:tele|mobile )?phone )?numbers?(?! (?:of|format))"),
    ("not", " (?:his|her|their|my) (?:(?:phone|mobile) )?number(?! (?:one|of))"),
    (
        "number|phone",
        (
            " belongs to (?:someone|somebody|(?:another|a different)(?! (?:account|area|carrier|contract|network|operator"
            "|plan|provider|region|state|tariff)))"
        ),
    ),
    ("mauvais|faux", " num[ée]ro"),
    ("n", "[úu]mero (?:equivocado|errado|err[óo]neo)"),
    ("numero", " sbagliato"),
    ("verkeerd", " nummer"),
)
SAYINGS = (*_ENGLISH, *_OTHER_LANGUAGES, *_WRONG)

# Few, and none that stands in ordinary words, since each is looked for in every cell.
_HINTS = (
    "call|conta|kontakt|phon|tele|dial|ring|turb|solicit|dnc|dnd|unsub|opt|list|remove|take me|data|delete|eras|"
    "black|block|stop|robinson|do not use|dece|died|passed|consent|permission|withdr|eres|sted|wrong|num|mero|only|"
    "suppress|storben|anruf|wider|nicht|werbung|gemeld|gesperrt|löschen|falsch|nur|décéd|appel|refus|scrit|abonn|"
    "éres|uniquement|seulement|bellen|bel me|gebeld|benaderd|uitgeschreven|verkeerd|overled|llam|molestar|baja|"
    "fallec|solo|sólo|liga|chamad|cadastrad|falec|chiam|dzwoni|звонить|致电|电话"
)
HINTS = tuple(_HINTS.split("|"))
"""One of these stands in every text that says no in plain words, which is quickly looked for."""


def say_no(said: str) -> bool:
    """Tell whether words hold a saying."""
    return (_any() if " " in said else _any_alone()).search(said) is not None


def are_of_somebody_else(said: str) -> bool:
    """Tell whether words say that a number is somebody else's."""
    return _any_wrong().search(said) is not None


def may_say_no(texts: Iterable[str]) -> bool:
    """Tell in little time whether any of many texts could hold a saying, or be one of the answers that say no."""
    folded = "\n".join(texts).casefold()
    figures_alone = folded.isascii() and not folded.islower()
    return not figures_alone and any(hint in folded for hint in HINTS)


@cache
def _any() -> re.Pattern[str]:
    return _expression(SAYINGS)


@cache
def _any_alone() -> re.Pattern[str]:
    """Return what finds a saying in a single word, as many headers are: it is made in a third of the time."""
    return _expression(
        (beginnings, rest)
        for beginnings, rest in SAYINGS
        if " " not in beginnings and (rest[:1] != " " or rest.startswith(" ?"))
    )


@cache
def _any_wrong() -> re.Pattern[str]:
    return _expression(_WRONG)


def _expression(sayings: Iterable[tuple[str, str]]) -> re.Pattern[str]:
    """Return an expression that finds a saying; made when a list is checked, since it is large."""
    by_letter: dict[str, list[str]] = {}
    for beginnings, rest in sayings:
        for beginning in beginnings.split("|"):
            by_letter.setdefault(beginning[0], []).append(beginning[1:] + rest)
    found = "|".join(f"{letter}(?:{'|'.join(rests)})" for letter, rests in by_letter.items())
    return re.compile(rf"\b(?:{found})\b|请勿致电|不要打电话")
