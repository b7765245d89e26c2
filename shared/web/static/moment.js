// A time on a form: "just now" fills in the clock of the form's zone; a ticked "don't know" and a typed time exclude each other.
(() => {
  "use strict";
  for (const row of document.querySelectorAll("[data-moment]")) {
    const day = row.querySelector("input[type=date]");
    const clock = row.querySelector("input[type=time]");
    const unknown = row.querySelector("input[type=checkbox]");
    const button = row.querySelector("[data-now]");
    if (!day || !clock || !unknown) continue;
    const told = () => row.dispatchEvent(new Event("input", { bubbles: true }));
    for (const input of [day, clock]) input.addEventListener("input", () => { if (input.value) unknown.checked = false; });
    unknown.addEventListener("change", () => {
      if (unknown.checked) { day.value = ""; clock.value = ""; }
    });
    if (!button) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      const parts = Object.fromEntries(new Intl.DateTimeFormat("en-CA", {
        timeZone: row.dataset.zone, hourCycle: "h23",
        year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
      }).formatToParts(new Date()).map((part) => [part.type, part.value]));
      day.value = `${parts.year}-${parts.month}-${parts.day}`;
      clock.value = `${parts.hour}:${parts.minute}`;
      unknown.checked = false;
      told();
    });
  }
})();
