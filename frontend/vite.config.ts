import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// django-vite reads the manifest; the files are served by Django's static files under /static/.
export default defineConfig({
  base: "/static/",
  resolve: {
    alias: { xmlbuilder2: fileURLToPath(new URL("./src/islands/film/no-xml.ts", import.meta.url)) },
  },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    target: "es2022",
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    // the content security policy allows no data: fonts or scripts
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: "src/main.ts" },
  },
});
