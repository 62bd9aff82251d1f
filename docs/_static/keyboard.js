// Code and tables that scroll sideways can be scrolled by keyboard (WCAG 2.1.1).
document.addEventListener("DOMContentLoaded", () => {
  const scrolls = () => {
    for (const box of document.querySelectorAll(".highlight pre, .table-wrapper, .sig")) {
      if (box.scrollWidth > box.clientWidth) {
        box.tabIndex = 0;
        if (!box.hasAttribute("aria-label")) {
          box.setAttribute("role", "region");
          box.setAttribute("aria-label", box.matches("pre") ? "Code" : "Table");
        }
      } else {
        box.removeAttribute("tabindex");
      }
    }
  };
  scrolls();
  new ResizeObserver(scrolls).observe(document.body);
});
