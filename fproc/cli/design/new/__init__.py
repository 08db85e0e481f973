"""`--new`: a working folder with a pipeline, made to fit a sample.

`beginning` reads the sample, `tables` and `logs` know the shapes that a file may have, `recognising` tries
them one after the other, `texts` has what is written, `folder` puts it there. Begin with `folder`.
"""
