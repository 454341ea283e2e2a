"""The joint locator: where the finger joints of a hand are on a whole film, at any rotation, left or right."""
