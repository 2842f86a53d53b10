"""MEASURES: tasks, protocols, metrics, and the runner that turns backbones into results."""
