"""`--graph svg`: boxes and links as a picture in layers from left to right, without knowledge of pipelines.

`picture` makes the SVG, `places` says where everything lies, `layers` in which order. Begin with `picture`.
"""
