// Conveniences; every page works without them.
"use strict";

const language = document.documentElement.lang;

// Times of day in the reader's own zone.
function localTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    time.textContent = at.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    time.title = at.toLocaleString(language);
  }
}

// The days of a conversation are the reader's own, too: headings move to where a day begins for them.
function localDays(root) {
  for (const list of root.querySelectorAll("ol.messages")) {
    list.querySelectorAll("li.day").forEach((day) => day.remove());
    let last;
    for (const message of list.querySelectorAll("li.message")) {
      const at = new Date(message.querySelector("time[data-local]").dateTime);
      const day = at.toLocaleDateString(language, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
      if (day === last) continue;
      last = day;
      const item = document.createElement("li");
      item.className = "day";
      item.appendChild(document.createElement("h2")).textContent = day;
      message.before(item);
    }
  }
}

// Moments and amounts as the reader's language writes them; moments in the reader's own zone.
function localMoments(root) {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    time.textContent = new Date(time.dateTime).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
  }
}

function localAmounts(root) {
  for (const amount of root.querySelectorAll("data[data-currency]")) {
    // A shop's own price is kept where its number or its currency is not one that the browser knows.
    const value = Number(amount.value);
    if (amount.value === "" || !Number.isFinite(value)) continue;
    try {
      amount.textContent = value.toLocaleString(language, { style: "currency", currency: amount.dataset.currency });
    } catch { /* it stays as the shop tells it */ }
  }
}

function local(root) {
  localTimes(root);
  localDays(root);
  localMoments(root);
  localAmounts(root);
}

// One renewal at a time, however slow the answer is: what is told meanwhile is looked at when it is over.
async function renew() {
  isStale = true;
  if (isRenewing) return;
  isRenewing = true;
  clearTimeout(timer);
  let seconds;
  try {
    while (isStale) {
      isStale = false;
      seconds = await renewOnce();
    }
  } finally {
    isRenewing = false;
  }
  if (seconds) timer = setTimeout(renew, seconds * 1000);
}

// The page's content is renewed in place where it changed: no jump, and the focus stays where it is. Who reads the end of a
// conversation stays at its end. Gives after how many seconds to look again, if at all.
async function renewOnce() {
  if (document.hidden) return main.dataset.refresh;
  let fresh;
  try {
    const answer = await fetch(address, { headers: { accept: "text/html", "x-renewal": "1" }, redirect: "error" });
    // Whose session has ended sees that, and not for ever what was.
    if (!answer.ok && answer.status !== 401) return 60;
    fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  } catch {
    return 10;
  }
  if (!fresh) return undefined;
  const isEdited = (field) => field.value !== field.defaultValue;
  const busy = (main.contains(document.activeElement) && document.activeElement !== main)
    || [...main.querySelectorAll("input, textarea")].some(isEdited);
  if (!busy && fresh.innerHTML !== shown) {
    const bottom = document.documentElement;
    const atEnd = bottom.scrollHeight - bottom.scrollTop - bottom.clientHeight < 80;
    shown = fresh.innerHTML;
    main.replaceChildren(...fresh.childNodes);
    local(main);
    if (atEnd && main.querySelector("#newest-message")) bottom.scrollTop = bottom.scrollHeight;
  }
  if (!busy && !fresh.dataset.refresh) return undefined;
  if (!busy) main.dataset.refresh = fresh.dataset.refresh;
  return main.dataset.refresh;
}

// The service says when there is something new, as long as somebody looks. Without it the page looks by itself.
const live = document.querySelector("link[type='text/event-stream']");
let stream;

function listen() {
  if (document.hidden) {
    if (stream) stream.close();
    stream = undefined;
  } else if (!stream) {
    stream = new EventSource(live.href);
    stream.onmessage = renew;
  }
}

// An id says what a page shows; anything else in its address is told once and goes with the first renewal.
const id = new URLSearchParams(location.search).get("id");
const address = id === null ? location.pathname : `${location.pathname}?id=${encodeURIComponent(id)}`;
const main = document.querySelector("main");
let shown = main.innerHTML;
let timer;
let isRenewing = false;
let isStale = false;
local(document);
if (main.dataset.refresh) timer = setTimeout(renew, main.dataset.refresh * 1000);
if (live && window.EventSource) {
  document.addEventListener("visibilitychange", listen);
  listen();
}
