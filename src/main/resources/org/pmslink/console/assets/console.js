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
// What somebody has typed would be lost with a form that is sent after the session has ended. So the page asks first who is
// signed in by now; it goes on as they who opened it, or says what to do and stays as it is. Nothing is kept anywhere else.
const ANSWERED = new WeakSet();
function hasTyping(form) {
  return [...form.elements].some(
    (field) => (field.tagName === "TEXTAREA" || (field.tagName === "INPUT" && !/^(hidden|checkbox|radio)$/.test(field.type))) && field.value !== "",
  );
}
function sayBelow(form, text, link) {
  const notice = document.createElement("p");
  notice.className = "notice complaint unsent";
  notice.setAttribute("role", "alert");
  notice.append(text);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = "/console";
    anchor.target = "_blank";
    anchor.rel = "noopener";
    anchor.textContent = link;
    notice.append(" ", anchor);
  }
  form.append(notice);
  notice.scrollIntoView({ block: "nearest" });
}
async function askWhoIsSignedIn() {
  try {
    const answer = await fetch(document.body.dataset.session, {
      headers: { "HX-Request": "true", "X-Requested-With": "XMLHttpRequest", Accept: "application/json" },
      cache: "no-store",
      redirect: "error",
    });
    return answer.ok ? await answer.json() : { status: answer.status };
  } catch {
    return { status: 0 };
  }
}
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const { session, actor } = document.body.dataset;
  if (!session || form.method !== "post" || form.hasAttribute("hx-post") || !form.closest("main") || !hasTyping(form)) {
    return;
  }
  if (ANSWERED.delete(form)) {
    return;
  }
  event.preventDefault();
  if (form.getAttribute("aria-busy")) {
    return;
  }
  form.setAttribute("aria-busy", "true");
  const now = await askWhoIsSignedIn();
  form.removeAttribute("aria-busy");
  form.querySelector(".unsent")?.remove();
  if (now.status === 401) {
    sayBelow(form, "Your session has ended, and nothing was sent. What you typed is still here: sign in again in another tab, then send it once more.", "Sign in");
  } else if (!now.actor) {
    sayBelow(form, "The engine does not answer, and nothing was sent. What you typed is still here: try again in a moment.");
  } else if (now.actor !== actor) {
    sayBelow(form, `${now.actor} is signed in by now, and nothing was sent. What you typed as ${actor} is still here: sign in as ${actor} in another tab, then send it once more.`, "To the sign-in");
  } else {
    for (const field of document.querySelectorAll('input[name="_csrf"]')) {
      field.value = now.token;
    }
    ANSWERED.add(form);
    form.requestSubmit(event.submitter);
  }
});
// What a page asks for by itself, or a search, is refused when the session is over: the page of that address is asked for as a
// whole, which leads to where one signs in, and back.
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401 || event.detail.xhr.status === 403) {
    window.location.replace(event.detail.pathInfo.requestPath);
  }
});
