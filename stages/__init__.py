"""The pipeline's steps, a module each. Set here, before any step imports Keras, is what Keras reads on import."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only: TensorFlow greets every start with INFO lines
