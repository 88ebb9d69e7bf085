"""Pictures, one function a container type; the only place that imports matplotlib."""

import logging

# Its notes on font and cache folders would stand among our messages; what fails raises an error.
logging.getLogger("matplotlib").addHandler(logging.NullHandler())
