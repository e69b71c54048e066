"""What the demo sells, in which communities, and who recommends it. French, as its visitors are."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from models.accounts import Platform
from models.affiliation import RiskLevel
from models.catalog import BillingInterval


@dataclass(frozen=True)
class DemoPlan:
    """A plan and the button that sells it; ``weight`` is how often visitors choose it."""

    slug: str
    name: str
    price: int
    interval: BillingInterval
    weight: int
    terms: dict[str, Any] = field(default_factory=dict)
    call: str = "S'inscrire"


@dataclass(frozen=True)
class DemoProduct:
    """A product of one community, with its plans and what its program pays."""

    slug: str
    name: str
    community: str
    words: str
    plans: tuple[DemoPlan, ...]
    rate: Decimal = Decimal(30)
    is_free: bool = False


COMMUNITIES = (
    ("cercle-createurs", "Le Cercle des créateurs", Platform.STAM),
    ("club-boutique", "Le Club Boutique", Platform.STAM),
    ("atelier-automatisation", "L'Atelier Automatisation", Platform.STAM),
)
"""Beside the guilds, which every installation begins with."""

PRODUCTS = (
    DemoProduct(
        "academy-premium",
        "Academy Premium",
        "community-academy",
        "Tous les cours, des salons privés, et tes pages relues par des gens qui vendent.",
        (
            DemoPlan(
                "academy-premium-monthly",
                "Mensuel",
                4900,
                BillingInterval.MONTHLY,
                5,
                {"trial_days": 7, "is_featured": True},
                "Essayer 7 jours",
            ),
            DemoPlan("academy-premium-annual", "Annuel", 47000, BillingInterval.ANNUALLY, 1),
        ),
    ),
    DemoProduct(
        "academy-ouverte",
        "Guilde ouverte",
        "community-academy",
        "Les salons communs de la Community Academy, le premier cours, et tes liens d’affilié.",
        (),
        is_free=True,
    ),
    DemoProduct(
        "tbcb-inner-circle",
        "TBCB Inner Circle",
        "tbcb",
        "Douze fondateurs autour d'une table, pour une communauté où l'on reste.",
        (
            DemoPlan(
                "tbcb-inner-circle-monthly",
                "Mensuel",
                9900,
                BillingInterval.MONTHLY,
                2,
                {"setup_fee": 4900},
                "Prendre ma place",
            ),
            DemoPlan("tbcb-inner-circle-lifetime", "À vie", 149000, BillingInterval.LIFETIME, 1),
        ),
        Decimal(20),
    ),
    DemoProduct(
        "cercle-createurs",
        "Le Cercle des créateurs",
        "cercle-createurs",
        "Publier chaque semaine, avec des gens qui attendent ce que tu fais.",
        (
            DemoPlan(
                "cercle-createurs-monthly",
                "Mensuel",
                2900,
                BillingInterval.MONTHLY,
                8,
                {"trial_days": 7, "trial_amount": 100, "is_featured": True},
                "Essayer pour 1 €",
            ),
            DemoPlan("cercle-createurs-annual", "Annuel", 29000, BillingInterval.ANNUALLY, 2),
        ),
    ),
    DemoProduct(
        "club-boutique",
        "Le Club Boutique",
        "club-boutique",
        "Tenir une petite boutique où l'on revient, avec cent autres commerçants.",
        (
            DemoPlan("club-boutique-monthly", "Mensuel", 4500, BillingInterval.MONTHLY, 3),
            DemoPlan("club-boutique-quarterly", "Trimestriel", 11900, BillingInterval.QUARTERLY, 2),
        ),
        Decimal(25),
    ),
    DemoProduct(
        "atelier-automatisation",
        "L'Atelier Automatisation",
        "atelier-automatisation",
        "Dix automatisations construites en quatre week-ends, sans une ligne de code.",
        (
            DemoPlan(
                "atelier-automatisation-once",
                "Accès complet",
                25000,
                BillingInterval.ONE_TIME,
                3,
                {},
                "Accéder à l'atelier",
            ),
        ),
        Decimal(40),
    ),
)

AFFILIATES = (
    ("alice", "alice@example.org", RiskLevel.NORMAL, 9),
    ("karim", "karim@example.org", RiskLevel.NORMAL, 7),
    ("ines", "ines@example.org", RiskLevel.NORMAL, 6),
    ("hugo-ventes", "hugo@example.org", RiskLevel.NORMAL, 5),
    ("salome", "salome@example.org", RiskLevel.AT_RISK, 3),
    ("theo-crypto", "theo@example.org", RiskLevel.HIGH_RISK, 2),
    ("lea-studio", "lea@example.org", RiskLevel.NORMAL, 2),
    ("max-promo", "max@example.org", RiskLevel.EXTREME_RISK, 1),
)
"""(slug, address, level, how many visitors they bring in comparison)."""

FIRST_NAMES = (
    "adele", "amine", "anais", "antoine", "aya", "basile", "camille", "chloe", "clara", "daphne",
    "david", "elias", "elise", "emma", "enzo", "fatou", "gabin", "hana", "iris", "ismael",
    "jade", "jules", "kenza", "lena", "leo", "lina", "lou", "louis", "lucie", "malik",
    "manon", "marius", "mathis", "mila", "mohamed", "nadia", "nina", "noah", "noor", "oscar",
    "paul", "rania", "raphael", "rayan", "romane", "rose", "sacha", "samir", "sofia", "yanis",
)  # fmt: skip

CAMPAIGNS = ("", "", "bio-instagram", "video-mai", "newsletter", "story", "podcast")
