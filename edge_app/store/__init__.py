"""Results that are never lost: rows in SQLite, photos and score maps as files beside it."""
