"""Month-end settlement for foreign-trade agencies (外贸综合服务)."""

__version__ = "0.1.0"
