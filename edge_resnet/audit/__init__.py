"""What is wrong with a folder of pictures, before anybody trains on it: one check a file."""
