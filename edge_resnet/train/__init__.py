"""From folders of pictures to a trained model and its report."""
