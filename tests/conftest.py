"""What every Python suite shares."""

pytest_plugins = ["support.figures"]
