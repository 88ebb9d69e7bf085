"""Pictures, one function a container type; the only place that imports matplotlib."""
