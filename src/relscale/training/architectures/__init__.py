"""The torch module of each architecture, one file each; `training.model` names them."""
