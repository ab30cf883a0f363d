// Keys for whoever works through a list: what has a data-key is pressed by it, or typed into.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) {
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
