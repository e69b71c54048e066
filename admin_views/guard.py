"""Who passes: each console has its roles, each view a permission per verb; the rest is refused."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from flask import abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from admin_views.acting import role, second_factor_at, signed_in
from admin_views.formats import euros, moment, whole
from models.accounts import UserType
from models.accounts.permissions import Permission, may
from models.errors import N_
from models.settings import current_settings

Menu = list[tuple[str, list[tuple[str, str, str]]]]


@dataclass
class Console:
    """One of the three consoles: where it is, whose it is, and the views it holds.

    It shows what its own ``role`` may see, and of that only what the reader may see too:
    an owner in the administrators' console sees what an administrator sees.
    """

    key: str
    name: str
    role: UserType
    entry: Permission
    hidden: bool = False
    views: dict[str, Any] = field(default_factory=dict)
    groups: list[tuple[str, list[Any]]] = field(default_factory=list)
    menus: dict[tuple[UserType | None, str], Menu] = field(default_factory=dict)
    """The menu as each role reads it in each language: it stays the same while we run."""

    @property
    def url(self) -> str:
        """Its address; only the owner's comes from the settings."""
        fixed = {"admin": "/admin", "product": "/product-manager"}
        return fixed.get(self.key) or f"/{current_settings().owner_console_path}"

    def gate(self) -> ResponseReturnValue | None:
        """Let through, or say where to go: sign-in, second factor, 403, or nothing is here."""
        self.hide()
        if signed_in() is None:
            return redirect(f"/login?next={request.path}")
        if not may(role(), self.entry):
            abort(403)
        if second_factor_at() is None:
            return redirect(f"/second-factor?next={request.path}")
        return None

    def hide(self) -> None:
        """404 on STAM's hosts, and in a hidden console to everyone whose it is not."""
        if request.host.partition(":")[0].lower() in current_settings().stam_hosts:
            abort(404)
        if self.hidden and not may(role(), self.entry):
            abort(404)

    def may(self, permission: Permission | None) -> bool:
        """Whether this reader, in this console, has a permission."""
        return permission is not None and may(role(), permission) and may(self.role, permission)

    def may_open(self) -> bool:
        """Whether this reader could enter: for the switcher between consoles."""
        return may(role(), self.entry)

    def addresses(self) -> dict[str, str]:
        """Where the views are that this reader may read, by slug."""
        return {slug: view.url + "/" for slug, view in self.views.items() if view.allows("read")}

    def menu(self) -> Menu:
        """What this reader finds here: headings with their views' addresses, titles and slugs."""
        key = role(), str(get_locale())
        if key not in self.menus:
            self.menus[key] = [
                (translated(category), links)
                for category, views in self.groups
                if (
                    links := [
                        (f"{view.url}/", translated(view.title), view.slug)
                        for view in views
                        if view.allows("read")
                    ]
                )
            ]
        return self.menus[key]


OWNER = Console("owner", N_("Owner"), UserType.OWNER, Permission.OWNER_CONSOLE, hidden=True)
ADMIN = Console("admin", N_("Administration"), UserType.ADMIN, Permission.ADMIN_CONSOLE)
PRODUCT = Console("product", N_("Products"), UserType.PRODUCT_MANAGER, Permission.PRODUCT_CONSOLE)
CONSOLES = (OWNER, ADMIN, PRODUCT)


def translated(words: str) -> str:
    """Words kept in code, in the reader's language; a percent sign in them is just that."""
    return gettext(words) if words else ""


class Guarded:
    """A view of one console. A verb without a permission in ``permissions`` is refused.

    The token of a POST is looked at only once it is known who asks: where there is nothing
    for a visitor, a form without a token finds nothing either.
    """

    slug: ClassVar[str] = ""
    permissions: ClassVar[dict[str, Permission]] = {}
    verbs: ClassVar[dict[str, str]] = {"index_view": "read"}
    """Which verb each exposed function is; one that is not listed is refused to everyone."""
    console: Console

    def allows(self, verb: str) -> bool:
        """Whether this reader may do a verb here."""
        return self.console.may(self.permissions.get(verb))

    def _handle_view(self, name: str, /, **kwargs: Any) -> ResponseReturnValue | None:
        """Flask-Admin asks this before every function of every view."""
        answer = self.console.gate()
        if answer is not None:
            return answer
        if not self.allows(self.verbs.get(name, "")):
            abort(403)
        current_app.extensions["csrf"].protect()
        return None

    def is_accessible(self) -> bool:
        """Whether the menu shows this view."""
        return self.allows("read")

    def render(self, template: str, **values: Any) -> str:
        """A page of this console: the menu, the switcher and the ways numbers are written."""
        page: str = super().render(  # type: ignore[misc]
            template,
            console=self.console,
            person=signed_in(),
            switcher=[each for each in CONSOLES if each.may_open()],
            number=whole,
            moment=moment,
            euros=euros,
            tr=translated,
            **values,
        )
        return page

    def address_of(self, function: str, **values: Any) -> str:
        """The address of one of this view's own functions."""
        return url_for(f"{self.endpoint}.{function}", **values)  # type: ignore[attr-defined]
