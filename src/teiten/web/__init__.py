"""The dashboard and the API: views of a lake as pages, each an address with the contract's filters.

    app.py       the application: routes found in pages/ and api/, what every answer carries (CSP, no sniffing)
    asked.py     what an address asks for: language, span, filters, unit; and the addresses that lead elsewhere
    asking.py    queries that visitors write: few at once, ended when they leave
    pool.py      sessions over the lake as it is now, in threads; answers kept, and made again when the lake has changed
    shown.py     pages as they were drawn, kept until the lake or the minute changes
    live.py      who follows a page hears that the lake has changed
    packing.py   compression, files under names that tell their content, the word of forms covered
    patient.py   connections that nobody waits for too long
    render.py    templates, with everything escaped; figures drawn on the server, so that a page is whole without a script
    users/       who is let in, and may what: the layer in front of all pages
    pages/       a module a page
    api/         a module a family of addresses under /api/v1
    static/      style, one script that adds to what is there, the font

`teiten serve` starts it. Nothing is fetched from elsewhere.
"""
