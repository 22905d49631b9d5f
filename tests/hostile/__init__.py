"""Input that is broken or means harm, made from a seed: one file per subject, with cases without end."""
