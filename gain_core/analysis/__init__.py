"""Looking at a trained model: its predictions, clusters of attributions, suspicious labels, calibration."""
