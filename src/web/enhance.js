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

function local(root) {
  localTimes(root);
  localDays(root);
}

// The page's content is renewed in place where it changed: no jump, and the focus stays where it is. Who reads the end of a
// conversation stays at its end.
async function renew() {
  const again = (seconds) => setTimeout(renew, seconds * 1000);
  if (document.hidden) return again(main.dataset.refresh);
  let fresh;
  try {
    const answer = await fetch(location.pathname, { headers: { accept: "text/html" }, redirect: "error" });
    if (!answer.ok) return again(60);
    fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  } catch {
    return again(10);
  }
  if (!fresh) return;
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
  if (!busy && !fresh.dataset.refresh) return;
  if (!busy) main.dataset.refresh = fresh.dataset.refresh;
  again(main.dataset.refresh);
}

const main = document.querySelector("main");
let shown = main.innerHTML;
local(document);
if (main.dataset.refresh) setTimeout(renew, main.dataset.refresh * 1000);
