"""The joint segmenter: which pixels of an upright ROI belong to the upper (distal) and the lower (proximal) bone."""
