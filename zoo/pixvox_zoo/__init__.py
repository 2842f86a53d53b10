"""MAKES: backbones, views, heads, losses, the recipes that compose them, pretraining."""
