// What was kept travels in this tab's own memory to the provider and back, so that no second tab is needed. Without this
// script the page opens the provider in a new tab and goes on holding the text itself.
(() => {
  "use strict";
  const NAME = "tocsin-kept";
  const way = document.querySelector("[data-kept-way]");
  if (way) {
    const form = way.closest("form");
    for (const part of form.querySelectorAll("[data-kept-tab]")) part.hidden = true;
    way.removeAttribute("target");
    way.addEventListener("click", (event) => {
      try {
        sessionStorage.setItem(NAME, form.elements.carried.value);
      } catch {
        event.preventDefault();
        way.target = "_blank";
        for (const part of form.querySelectorAll("[data-kept-tab]")) part.hidden = false;
        window.open(way.href, "_blank", "noopener");
      }
    });
  }
  const here = document.getElementById("kept-here");
  if (here) {
    let kept = null;
    try {
      kept = sessionStorage.getItem(NAME);
      sessionStorage.removeItem(NAME);
    } catch {
      return;
    }
    if (!kept) return;
    here.elements.carried.value = kept;
    here.hidden = false;
    document.getElementById("kept-elsewhere").hidden = true;
    here.requestSubmit();
  }
})();
