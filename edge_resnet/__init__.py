"""What every part shares (bundle, preprocessing, model), training, and the command line."""
