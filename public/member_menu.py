"""The menu beside every page of WEOKTO's member area: where one is, and where one can go."""

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_login import current_user

from models.accounts import Platform, UserType
from public.destinations import console_of
from public.hosts import platform_here


@dataclass(frozen=True)
class Item:
    """One line of the menu; ``is_here``: the page that is shown, or one within it."""

    text: str
    path: str
    is_here: bool


@dataclass(frozen=True)
class Group:
    """Lines that belong together, under a title or none."""

    title: str
    items: tuple[Item, ...]


def in_member_area() -> dict[str, Any]:
    """What a member page's frame needs; nothing for visitors and on the other platform."""
    if platform_here() is not Platform.WEOKTO or not current_user.is_authenticated:
        return {}
    return {"member_menu": menu()}


def menu() -> list[Group]:
    """The menu of whoever asks."""
    groups = [Group("", (_item(_("Home"), "/home"), _item(_("My guild"), "/choose-guild")))]
    if current_user.user_type is UserType.AFFILIATE:
        groups.append(
            Group(
                _("Affiliation"),
                (
                    _item(_("Overview"), "/affiliate/dashboard"),
                    _item(_("Commissions"), "/affiliate/commissions"),
                    _item(_("Withdrawals"), "/affiliate/payouts"),
                    _item(_("Ledger"), "/affiliate/ledger"),
                    _item(_("Boost"), "/affiliate/boost"),
                ),
            )
        )
    own = [_item(_("Profile"), "/profile"), _item(_("Settings"), "/settings")]
    console = console_of(current_user.user_type)
    if console:
        own.append(_item(_("My console"), console))
    return [*groups, Group("", tuple(own))]


def _item(text: str, path: str) -> Item:
    here = request.path == path or request.path.startswith(f"{path}/")
    return Item(text, path, here)
