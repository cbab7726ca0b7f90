"""What QEMUs accept, as data: kept with the package, made of real binaries (`build/`), put together to what one of them would save."""
