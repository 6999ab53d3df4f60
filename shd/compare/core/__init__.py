"""What every question stands on: coded tables, scores, chance, models, distances, attacks."""
