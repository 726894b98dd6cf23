"""What the tracks of pictures share. It is no track itself, and imports none."""
