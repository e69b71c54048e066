"""The three consoles, built from the one registry: each holds the views that its role may read."""

from flask import Flask, g, request
from flask_admin import Admin

from admin_views.dashboard import DashboardView
from admin_views.everywhere import SearchView
from admin_views.guard import CONSOLES, OWNER, Console
from admin_views.registry import MENU
from admin_views.sellable import PERMISSION, SellableView
from models.accounts.permissions import may


def install(app: Flask) -> None:
    """Bind the consoles to their addresses."""
    app.before_request(keep_hidden)
    for console in CONSOLES:
        for view in build(app, console)._views:
            app.extensions["csrf"].exempt(view.blueprint)


def keep_hidden() -> None:
    """Under the owner's path there is nothing for anyone else, by whatever method they ask."""
    path = OWNER.url
    if request.path == path or request.path.startswith(f"{path}/"):
        OWNER.hide()


def build(app: Flask, console: Console) -> Admin:
    """One Flask-Admin instance with its views and its menu."""
    home = DashboardView(console)
    admin = Admin(
        app,
        name=console.name,
        url=console.url,
        index_view=home,
        endpoint=home.endpoint,
        csp_nonce_generator=lambda: g.get("csp_nonce", ""),
    )
    console.views.clear()
    console.menus.clear()
    console.groups[:] = [("", [home])]
    admin.add_view(SearchView(console))
    if may(console.role, PERMISSION):
        admin.add_view(SellableView(console))
    for category, classes in MENU:
        views = []
        for each in classes:
            if not may(console.role, each.permissions["read"]):
                continue
            view = each(console)
            view.category_name = category
            admin.add_view(view)
            console.views[view.slug] = view
            views.append(view)
        console.groups.append((category, views))
    return admin
