"""What visitors and members see: pages, their JSON endpoints, and the machine's health."""

from flask import Flask

from public import (
    account,
    affiliate,
    api_auth,
    api_customers,
    api_payments,
    assets,
    avatars,
    buttons,
    cancelling,
    card_updates,
    checkout,
    clicks,
    cron,
    email_change,
    errors,
    forms,
    headers,
    health,
    hosts,
    identity,
    json_api,
    languages,
    legal_words,
    libraries,
    limits,
    origins,
    own_data,
    own_invoices,
    pages,
    plain_text,
    plan_switches,
    rendered,
    requests_log,
    second_factor,
    sign_in,
    spaces,
    structured_data,
    subscriptions,
)


def install(app: Flask) -> None:
    """Bind this edge to the application: first what every request passes, then the pages."""
    requests_log.install(app)
    hosts.install(app)
    headers.install(app)
    languages.install(app)
    legal_words.install(app)
    plain_text.install(app)
    forms.install(app)
    origins.install(app)
    limits.install(app)
    errors.install(app)
    identity.install(app)
    clicks.install(app)
    app.register_blueprint(health.pages)
    app.register_blueprint(json_api.pages)
    app.register_blueprint(cron.pages)
    app.register_blueprint(libraries.pages)
    for area in (
        sign_in,
        second_factor,
        api_auth,
        account,
        avatars,
        email_change,
        spaces,
        checkout,
        api_payments,
        subscriptions,
        plan_switches,
        card_updates,
        own_invoices,
        own_data,
        cancelling,
        api_customers,
    ):
        app.register_blueprint(area.pages)
    affiliate.install(app)
    rendered.install(app)
    assets.install(app)
    structured_data.install(app)
    buttons.install(app)
    pages.install(app)
