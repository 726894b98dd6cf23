"""Pictures and their containers: shared by the tracks that have pictures."""
