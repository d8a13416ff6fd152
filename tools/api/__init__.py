"""The generator of what is the same on both sides of the C ABI; see ../generate_api.py."""
