"""The fastest way to run a bundle on the box at hand: a grid, measured, and the choice that the stream obeys."""
