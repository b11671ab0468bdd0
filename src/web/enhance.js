// Two conveniences; every page works without them.
"use strict";

// Times of day in the reader's own zone.
function localTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    time.textContent = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
    time.title = at.toLocaleString();
  }
}

// While something is under way, the page's content is renewed in place: no jump, and the focus stays where it is.
async function renew(main) {
  let fresh;
  try {
    const answer = await fetch(location.pathname, { headers: { accept: "text/html" }, redirect: "error" });
    if (!answer.ok) return;
    fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  } catch {
    return setTimeout(renew, 10000, main);
  }
  if (!fresh) return;
  const busy = main.contains(document.activeElement) && document.activeElement !== main;
  if (!busy) {
    main.replaceChildren(...fresh.childNodes);
    localTimes(main);
  }
  if (busy || fresh.dataset.refresh) setTimeout(renew, main.dataset.refresh * 1000, main);
}

const main = document.querySelector("main");
localTimes(document);
if (main.dataset.refresh) setTimeout(renew, main.dataset.refresh * 1000, main);
