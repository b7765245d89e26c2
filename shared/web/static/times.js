// Tells the server the reader's zone (for the next page) and keeps countdowns ticking between two loads.
(() => {
  "use strict";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `tocsin_zone=${encodeURIComponent(zone)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  }
  const vi = document.documentElement.lang === "vi";
  const units = vi ? ["ngày", "giờ", "phút"] : ["d", "h", "min"];
  const loadedAt = Date.now();

  function text(seconds) {
    const minutes = seconds >= 0 ? Math.floor(seconds / 60) : Math.ceil(-seconds / 60);
    const days = Math.floor(minutes / 1440);
    const hours = Math.floor((minutes % 1440) / 60);
    const rest = minutes % 60;
    const parts = days ? [`${days} ${units[0]}`, `${hours} ${units[1]}`]
      : hours ? [`${hours} ${units[1]}`, `${rest} ${units[2]}`]
      : [`${rest} ${units[2]}`];
    const left = parts.join(" ");
    if (vi) return seconds >= 0 ? `còn ${left}` : `quá hạn ${left}`;
    return seconds >= 0 ? `${left} left` : `${left} overdue`;
  }

  function urgency(seconds) {
    const hours = seconds / 3600;
    return hours < 0 ? "overdue" : hours < 4 ? "now" : hours < 24 ? "soon" : hours < 72 ? "near" : "calm";
  }

  function tick() {
    for (const element of document.querySelectorAll("time[data-countdown]")) {
      const seconds = (Date.parse(element.dateTime) - Date.now()) / 1000;
      const shown = text(seconds);
      if (element.textContent !== shown) element.textContent = shown;
      const name = `left left-${urgency(seconds)}`;
      if (element.className !== name) element.className = name;
    }
  }
  // The server's words stand until a minute has passed: a phone whose clock is wrong must not be believed at once.
  setInterval(() => { if (Date.now() - loadedAt > 55000) tick(); }, 20000);
})();
