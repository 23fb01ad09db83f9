"""Mining beside pyfim, rusket and mlxtend."""
