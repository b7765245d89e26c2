// Loads <section data-fragment="/path"> in place, again every data-refresh seconds, and at once when the event stream of
// data-live says that something changed. The stream carries no data; the fragment is fetched with the reader's own sign-in.
(() => {
  "use strict";

  async function load(section) {
    if (section.dataset.loading) {
      section.dataset.again = "1";
      return;
    }
    section.dataset.loading = "1";
    try {
      const answer = await fetch(section.dataset.fragment, {
        headers: { "X-Fragment": "1", "Accept": "text/html" }, credentials: "same-origin",
      });
      const text = await answer.text();
      if ((answer.headers.get("content-type") || "").startsWith("text/html")) replace(section, text);
      section.classList.toggle("stale", !answer.ok);
    } catch {
      section.classList.add("stale"); // what is shown is old: say so, keep it
    } finally {
      delete section.dataset.loading;
      if (section.dataset.again) {
        delete section.dataset.again;
        load(section);
      }
    }
  }

  function replace(section, html) {
    const inside = section.contains(document.activeElement) && document.activeElement.id;
    if (section.querySelector("form [data-touched]")) return; // somebody is typing in here
    const body = new DOMParser().parseFromString(html, "text/html").body;
    if (body.innerHTML === section.dataset.last) return;
    section.dataset.last = body.innerHTML;
    const unfolded = [...section.querySelectorAll("details[open][id]")].map((one) => one.id);
    section.replaceChildren(...body.childNodes);
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    if (inside) document.getElementById(inside)?.focus();
    announce(section);
    for (const nested of section.querySelectorAll("[data-fragment]")) begin(nested);
  }

  // A long list is not read out whole whenever it changes: one sentence of it is, when that sentence changes.
  function announce(section) {
    const sentence = section.querySelector("[data-announce]")?.textContent;
    if (!sentence) return;
    let voice = section.nextElementSibling;
    if (!voice || !voice.classList.contains("voice")) {
      voice = document.createElement("p");
      voice.className = "voice unseen";
      voice.setAttribute("role", "status");
      section.after(voice);
    }
    if (voice.textContent !== sentence) voice.textContent = sentence;
  }

  function light(section, on) {
    let lamp = section.previousElementSibling;
    if (!lamp || !lamp.classList.contains("lamp")) {
      lamp = document.createElement("p");
      lamp.className = "lamp";
      lamp.setAttribute("role", "status");
      section.before(lamp);
    }
    lamp.textContent = on ? section.dataset.liveOn : section.dataset.liveOff;
    lamp.classList.toggle("lamp-off", !on);
  }

  function listen(section) {
    const source = new EventSource(section.dataset.live);
    source.addEventListener("open", () => light(section, true));
    source.addEventListener("changed", () => load(section));
    source.addEventListener("signed-out", () => { source.close(); light(section, false); load(section); });
    source.addEventListener("error", () => {
      light(section, false);
      if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(section), 5000);
    });
    window.addEventListener("pagehide", () => source.close(), { once: true });
  }

  function begin(section) {
    if (section.dataset.begun) return;
    section.dataset.begun = "1";
    load(section);
    const seconds = Number(section.dataset.refresh || 0);
    if (seconds > 0) setInterval(() => { if (!document.hidden && section.isConnected) load(section); }, seconds * 1000);
    if (section.dataset.live && "EventSource" in window) listen(section);
  }

  document.addEventListener("input", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-fragment]")) event.target.setAttribute("data-touched", "");
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) for (const section of document.querySelectorAll("[data-fragment]")) load(section);
  });
  for (const section of document.querySelectorAll("[data-fragment]")) begin(section);
})();
