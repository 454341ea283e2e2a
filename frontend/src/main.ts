import "@fontsource-variable/inter/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/components.css";
import "./styles/pages.css";
import "./styles/patient.css";
import "./styles/viewer.css";
import "./styles/joint.css";
import "./styles/worklist.css";
import "./styles/film.css";
import "./styles/print.css";
import htmx from "htmx.org";
import { mountIslands } from "./islands";
import { wireMenus } from "./menus";
import { wireTheme } from "./theme";

wireTheme();
wireMenus();
// htmx fires htmx:load for the first page and for everything it swaps in
htmx.onLoad((element) => mountIslands(element as HTMLElement));
