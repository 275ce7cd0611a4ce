"""The pipeline's steps, a module each. Set here, before any step imports Keras or Ray, is what they read on import."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only: TensorFlow greets every start with INFO lines
os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # lines that differ in a number only are not the same
