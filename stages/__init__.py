"""The pipeline: a file here is a step of ``dvc.yaml``, a folder is a subject (see ``CONTRIBUTING.md``)."""
