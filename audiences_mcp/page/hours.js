// Hours: when in the person's own day it is between 08:00 and 21:00 where the people of the list are.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const EARLIEST = 8 * 60;
const LATEST = 21 * 60;

const clocks = new Map();

function clockOf(zone) {
  if (!clocks.has(zone)) {
    const parts = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" };
    clocks.set(zone, new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", calendar: "gregory", ...parts }));
  }
  return clocks.get(zone);
}

/** Milliseconds by which a zone is ahead of UTC at a moment. */
function ahead(zone, moment) {
  const part = Object.fromEntries(clockOf(zone).formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute) - Math.floor(moment / MINUTE) * MINUTE;
}

/** The 24 hours of the day that it is now in a zone, as moments. */
function hoursOfDay(zone, now) {
  const midnight = Math.floor((now + ahead(zone, now)) / DAY) * DAY;
  return Array.from({ length: 24 }, (_, hour) => {
    const wall = midnight + hour * HOUR;
    return wall - ahead(zone, wall - ahead(zone, now));
  });
}

const minuteOfDay = (zone, moment) => (((moment + ahead(zone, moment)) % DAY) + DAY) % DAY / MINUTE;

/**
 * How many people can be called in each hour of the person's day, from its first minute to its last, and now.
 * Whoever may be in several zones is not counted: for them only the server can tell.
 */
function callable(zones, mine, now) {
  const hours = hoursOfDay(mine, now);
  const counts = Array(24).fill(0);
  let atOnce = 0;
  let unsure = 0;
  for (const { zone, count } of zones) {
    try {
      hours.forEach((moment, hour) => {
        const begins = minuteOfDay(zone, moment);
        if (begins >= EARLIEST && begins + 60 <= LATEST) counts[hour] += count;
      });
      const minute = minuteOfDay(zone, now);
      if (minute >= EARLIEST && minute < LATEST) atOnce += count;
    } catch {
      unsure += count; // "several", "unknown", "other", or a zone that this browser does not know
    }
  }
  return { counts, atOnce, unsure, hour: Math.floor(minuteOfDay(mine, now) / 60), minute: minuteOfDay(mine, now) };
}

const onClock = (hour) => `${String(hour).padStart(2, "0")}:00`;

/** The hours in which most can be called, in words. */
function bestHours(counts, total) {
  const most = Math.max(...counts);
  if (!most) return "There is no hour in which anybody of a known time zone can be called.";
  const spans = [];
  counts.forEach((count, hour) => {
    if (count !== most) return;
    if (spans.at(-1)?.[1] === hour) spans.at(-1)[1] = hour + 1;
    else spans.push([hour, hour + 1]);
  });
  const times = spans.map(([from, to]) => `${onClock(from)} to ${onClock(to)}`).join(" and ");
  return `Best: ${times}, when ${most === total ? "all" : `${number(most)} of the ${number(total)}`} are between 08:00 and 21:00 of their own day.`;
}

/** The person's own zone: the chat's, where it names one that there is, else the browser's. */
function ownZone() {
  try {
    if (host.timeZone && clockOf(host.timeZone)) return host.timeZone;
  } catch {
    // not a zone
  }
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function hoursSection(result, total) {
  const mine = ownZone();
  const { counts, atOnce, unsure, hour, minute } = callable(result.time_zones, mine, Date.now());
  const clock = `${String(hour).padStart(2, "0")}:${String(Math.floor(minute % 60)).padStart(2, "0")}`;
  const best = bestHours(counts, total);
  const now = `Now, at ${clock}, ${number(atOnce)} ${atOnce === 1 ? "is" : "are"}.`;
  const strip = make("div", { class: "strip", "aria-hidden": "true" }, counts.map((count, each) =>
    make("span", { class: each === hour ? "now" : undefined, "data-hour": each % 6 ? undefined : onClock(each) },
      make("span", { style: { height: `${(count / total) * 100}%` } }))));
  return section(
    "When they can be called",
    make("p", {}, `${best} ${now}`),
    strip,
    make("p", { class: "quiet" }, `The hours of your day, ${mine.replaceAll("_", " ")}; the hour that it is now is framed.`),
    unsure ? make("p", { class: "quiet" }, `${several(unsure, "person", "people")} may be in several time zones, or in one that is not known, and ${unsure === 1 ? "is" : "are"} not counted.`) : null,
    make("details", {}, make("summary", {}, "Hour by hour"),
      table("People who can be called in each hour of your day", [{ name: "Your time" }, { name: "People", number: true }, { name: "Share", number: true }],
        counts.map((count, each) => [onClock(each), number(count), percent(count, total)]), "narrow")),
  );
}
