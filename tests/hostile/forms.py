"""Forms as a browser sees them: read from pages, with what a person would leave in them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass
class Form:
    """Where it goes and what it would send as it stands."""

    page: str
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def typed(self):
        """The fields worth attacking: all but the token."""
        return [name for name in self.fields if name != "csrf_token"]


class _Reader(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.page = page
        self.forms = []
        self.form = None
        self.name = None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            action = urljoin(self.page, given.get("action") or self.page)
            self.form = Form(self.page, action, given.get("method", "get").upper())
            self.forms.append(self.form)
        elif self.form is None:
            return
        elif tag in ("input", "button") and given.get("name"):
            self.form.fields.setdefault(given["name"], given.get("value") or "")
        elif tag in ("select", "textarea") and given.get("name"):
            self.name = given["name"]
            self.form.fields.setdefault(self.name, "")
        elif tag == "option" and self.name and not self.form.fields[self.name]:
            self.form.fields[self.name] = given.get("value") or ""

    def handle_data(self, data):
        if self.name and self.form is not None and self.lasttag == "textarea":
            self.form.fields[self.name] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None
        if tag in ("select", "textarea"):
            self.name = None


def forms_on(visitor, path):
    """Every form of a page, as it is shown to this visitor."""
    answer = visitor.get(path)
    for _ in range(3):
        goes_to = answer.headers.get("Location", "")
        if goes_to.startswith("/"):
            answer = visitor.get(goes_to)
    if answer.mimetype != "text/html":
        return []
    reader = _Reader(answer.request.full_path.rstrip("?"))
    reader.feed(answer.get_data(as_text=True))
    return reader.forms


def posts_on(visitor, paths):
    """Every posting form of some pages, each kind once."""
    seen = {}
    for path in paths:
        for form in forms_on(visitor, path):
            if form.method == "POST":
                seen.setdefault((form.action.split("?")[0], tuple(form.fields)), form)
    return list(seen.values())
