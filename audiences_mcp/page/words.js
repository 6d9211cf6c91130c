// Words: what the short names of the result mean to a person.

const REASONS = {
  empty: "No phone number",
  excel_damaged: "Damaged by a spreadsheet",
  multiple_numbers: "Several numbers in one cell",
  extension: "Needs an extension",
  not_a_number: "Not a phone number",
  ambiguous_country: "Real in more than one country",
  missing_country_code: "No country code",
  unknown_country_code: "No country has this code",
  short_code: "Short or emergency code",
  too_short: "Too short",
  too_long: "Too long",
  premium_rate: "Premium-rate or shared-cost number",
  invalid_number: "No line can have this number",
  malformed_row: "More cells than columns",
  duplicate: "Same number as an earlier row",
  do_not_call: "On the do-not-call list",
  suppression_list: "In the suppression file",
  excluded_audience: "In an audience to be left out",
  already_member: "In the audience already",
};

const STATUSES = {
  ready: "will be called",
  invalid: "to be mended",
  duplicate: "twice in the list",
  suppressed: "must not be called",
  already_member: "in the audience already",
  filtered_out: "left out by a condition",
};

const LINE_TYPES = {
  fixed_line: "landline",
  fixed_line_or_mobile: "landline or mobile",
  uan: "company number",
  voip: "internet line",
};

const NOT_MENDED = new Set(["duplicate", "do_not_call", "suppression_list", "excluded_audience", "already_member"]);

const plain = (name) => String(name).replaceAll("_", " ");
const reasonWords = (reason) => REASONS[reason] ?? plain(reason);
const lineWords = (type) => LINE_TYPES[type] ?? plain(type);

const figures = new Intl.NumberFormat("en");
const number = (count) => figures.format(count);
const several = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** A share in whole per cent; what is little but there is never 0 %, and what lacks a little never 100 %. */
function percent(part, whole) {
  if (!part || !whole) return "0 %";
  if (part === whole) return "100 %";
  return `${Math.min(99, Math.max(1, Math.round((part / whole) * 100)))} %`;
}

const countries = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });

function countryWords(region) {
  if (region === "001") return "International";
  try {
    return countries.of(region) ?? plain(region);
  } catch {
    return plain(region); // "other", where there are too many to list
  }
}
