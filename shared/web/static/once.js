// A form marked data-once is sent once however often it is pressed. Its key (hidden input, the server's) stays the same for
// the same text, so that a repeat is recognised; after an edit that follows a sending it is renewed.
(() => {
  "use strict";
  function fresh() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
  for (const form of document.querySelectorAll("form[data-once]")) {
    const key = form.querySelector("[data-once-key]");
    let sent = false;
    form.addEventListener("submit", (event) => {
      if (form.dataset.busy) {
        event.preventDefault();
        return;
      }
      form.dataset.busy = "1";
      sent = true;
      // not `disabled`: a pressed button's own name and value must travel with the form
      for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
    });
    form.addEventListener("input", () => {
      if (sent && key) {
        key.value = fresh();
        sent = false;
      }
    });
    window.addEventListener("pageshow", () => {
      delete form.dataset.busy;
      for (const button of form.querySelectorAll("button[type=submit]")) button.removeAttribute("aria-disabled");
    });
  }
})();
