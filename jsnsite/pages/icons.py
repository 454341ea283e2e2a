"""Line icons on a 24 x 24 grid, drawn with the text's colour."""

ICONS = {
    "check": '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
    "question": '<circle cx="12" cy="12" r="9"/><path d="M9.3 9.6a2.8 2.8 0 115 1.8c-1 1-2.3 1.3-2.3 2.9M12 17.2v.1"/>',
    "cross": '<path d="M6 6l12 12M18 6L6 18"/>',
    "flag": '<path d="M6 21V4M6 4h12l-3 4.5L18 13H6"/>',
    "dash": '<path d="M6 12h12"/>',
    "dot": '<circle cx="12" cy="12" r="4"/>',
    "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5M12 7.8v.1"/>',
    "warning": '<path d="M12 4l9 16H3z"/><path d="M12 10.5v4"/><path d="M12 17.3v.1"/>',
    "error": '<circle cx="12" cy="12" r="9"/><path d="M9 9l6 6M15 9l-6 6"/>',
    "success": '<circle cx="12" cy="12" r="9"/><path d="M8 12.5l3 3 5-6"/>',
    "upload": '<path d="M12 16V4M7 9l5-5 5 5M4 16v4h16v-4"/>',
    "film": '<rect x="4" y="3" width="16" height="18" rx="2"/><path d="M9 17v-5M12 17V8M15 17v-6"/>',
    "people": '<circle cx="9" cy="8" r="3.5"/><path d="M3 20c0-3.5 2.5-6 6-6s6 2.5 6 6'
    'M16 5a3.5 3.5 0 010 6.5M21 20c0-2.8-1.3-4.8-3.5-5.6"/>',
    "list": '<path d="M9 6h11M9 12h11M9 18h11M4.5 6h.1M4.5 12h.1M4.5 18h.1"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>',
    "ruler": '<path d="M3 15L15 3l6 6L9 21zM7 11l2 2M10 8l2 2M13 5l2 2"/>',
    "print": '<path d="M7 9V3h10v6M7 17H4V9h16v8h-3M7 14h10v7H7z"/>',
    "user": '<circle cx="12" cy="8" r="4"/><path d="M4 21c0-4 3.5-7 8-7s8 3 8 7"/>',
    "theme": '<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5v17a8.5 8.5 0 000-17z" fill="currentColor"/>',
    "left": '<path d="M15 5l-7 7 7 7"/>',
    "right": '<path d="M9 5l7 7-7 7"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="M16 16l5 5"/>',
    "key": '<circle cx="8" cy="15" r="4.5"/><path d="M11.5 11.5L20 3M16 7l3 3"/>',
}
