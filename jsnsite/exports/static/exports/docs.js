// Starts Swagger UI from a file of its own: the content security policy allows no inline script.
(() => {
  "use strict";

  const target = document.getElementById("api-docs");
  const html = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

  // Swagger UI's own dark style follows the site's theme.
  const followTheme = () => {
    const theme = html.dataset.theme ?? (prefersDark.matches ? "dark" : "light");
    html.classList.toggle("dark-mode", theme === "dark");
  };
  followTheme();
  prefersDark.addEventListener("change", followTheme);
  new MutationObserver(followTheme).observe(html, { attributeFilter: ["data-theme"] });

  // An operation's path is a link inside the button that opens it, which assistive technology can not reach: text instead.
  const plainPaths = () => ({ wrapComponents: { DeepLink: () => ({ text }) => text } });

  window.SwaggerUIBundle({
    plugins: [plainPaths],
    url: target.dataset.schema,
    domNode: target,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    docExpansion: "list",
    displayRequestDuration: true,
    validatorUrl: null,
    // Who has signed in on the site may try requests out without a token.
    requestInterceptor: (request) => {
      const sameOrigin = new URL(request.url, location.href).origin === location.origin;
      if (sameOrigin && request.method === "POST") request.headers["X-CSRFToken"] = target.dataset.csrf;
      return request;
    },
  });
})();
