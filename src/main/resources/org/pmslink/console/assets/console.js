// Keys for whoever works through a list: what has a data-key is pressed by it, or typed into. Whoever dictates, or types other
// things by them, switches them off; the browser remembers it.
const KEYS = "pms-link-keys";
let keysAreOn = true;
try {
  keysAreOn = window.localStorage.getItem(KEYS) !== "off";
} catch {
  // A browser that keeps nothing begins with them.
}
const keysSwitch = document.getElementById("keys");
function showKeys() {
  document.documentElement.classList.toggle("without-keys", !keysAreOn);
  if (keysSwitch) {
    keysSwitch.hidden = false;
    keysSwitch.setAttribute("aria-pressed", String(keysAreOn));
    keysSwitch.textContent = keysAreOn ? "Keys on" : "Keys off";
  }
}
showKeys();
if (keysSwitch) {
  keysSwitch.addEventListener("click", () => {
    keysAreOn = !keysAreOn;
    try {
      window.localStorage.setItem(KEYS, keysAreOn ? "on" : "off");
    } catch {
      // Then for this page alone.
    }
    showKeys();
  });
}
document.addEventListener("keydown", (event) => {
  if (!keysAreOn || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) {
    return;
  }
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (target) {
    event.preventDefault();
    target.focus();
    target.click();
  }
});
// What a page asks for by itself, or a search, is refused when the session is over: the page of that address is asked for as a
// whole, which leads to where one signs in, and back.
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401 || event.detail.xhr.status === 403) {
    window.location.replace(event.detail.pathInfo.requestPath);
  }
});
